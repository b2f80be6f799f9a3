# Reference values for crewe_lib.models.linear on data like the trial's: sandwich (HC0-HC3), clubSandwich (CR0, CR1S,
# CR2 with Satterthwaite degrees of freedom, by family and with one row a cluster), estimatr (Lin adjustment).
# linear_trial_input.csv is made up: siblings in families, treatment by family, a binary outcome; `disability` occurs in
# one arm only, and one child alone has `lone`.
# Run from the repository root: Rscript tests/reference/linear_trial.R > tests/reference/linear_trial.csv
suppressPackageStartupMessages({library(sandwich); library(clubSandwich); library(estimatr)})
trial <- read.csv("tests/reference/linear_trial_input.csv")
form <- closed ~ treated + female + age_2 + age_3 + age_4 + disability + history
model <- lm(form, trial)
out <- data.frame()
add <- function(case, estimate, error, df) {
  out <<- rbind(out, data.frame(case = case, term = seq_along(estimate) - 1, estimate = unname(estimate),
                                std_error = unname(error), df = unname(df)))
}
for (type in c("HC0", "HC1", "HC2", "HC3")) {
  add(type, coef(model), sqrt(diag(vcovHC(model, type = type))), df.residual(model))
}
club <- function(case, fit, cluster, type) {
  test <- coef_test(fit, vcov = vcovCR(fit, cluster = cluster, type = type),
                    test = if (type == "CR2") "Satterthwaite" else "naive-t")
  df <- if (type == "CR2") test$df_Satt else length(unique(cluster)) - 1
  add(case, test$beta, test$SE, df)
}
club("CR0", model, trial$family, "CR0")
club("CR1", model, trial$family, "CR1S")
club("CR2", model, trial$family, "CR2")
club("CR2 one row a cluster", model, seq_len(nrow(trial)), "CR2")
with_lone <- lm(update(form, . ~ . + lone), trial)
club("CR2 lone", with_lone, trial$family, "CR2")
lin <- function(case, covariates, ...) {
  fit <- suppressWarnings(lm_lin(closed ~ treated, covariates = covariates, data = trial, ...))
  known <- !is.na(fit$coefficients)
  add(case, fit$coefficients[known], fit$std.error[known], fit$df[known])
}
lin("Lin HC2", ~ female + age_2 + age_3 + age_4 + history, se_type = "HC2")
lin("Lin CR2", ~ female + age_2 + age_3 + age_4 + history, clusters = family, se_type = "CR2")
# Without `disability`, which occurs in one arm only, and `lone`: lin_design leaves both out.
lin("Lin reduced", ~ female, se_type = "HC2")
version <- function(name) paste0(", ", name, " ", packageVersion(name))
cat("# R ", R.version$major, ".", R.version$minor, version("sandwich"), version("clubSandwich"), version("estimatr"),
    "\n", sep = "")
write.csv(format(out, digits = 15), row.names = FALSE, quote = FALSE)
