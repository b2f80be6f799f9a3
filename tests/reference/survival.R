# Reference values for crewe_lib.models.survival and crewe_lib.models.cox, from R's survival package.
# Run from the repository root: Rscript tests/reference/survival.R > tests/reference/survival.csv
# survival_input.csv: made data like the trial's (children in families, whole weeks, so that ties are heavy).
# survival_lung.csv: the package's own data set `lung`, complete cases of three covariates.
suppressPackageStartupMessages(library(survival))
made <- read.csv("tests/reference/survival_input.csv")
lung <- read.csv("tests/reference/survival_lung.csv")
out <- data.frame()
add <- function(case, measure, term, value) {
  out <<- rbind(out, data.frame(case = case, measure = measure, term = term, value = as.numeric(value)))
}
tight <- coxph.control(eps = 1e-15, toler.chol = 1e-16, iter.max = 100)
cox <- function(case, formula, rows, cluster) {
  environment(formula) <- environment()
  rows$.row <- seq_len(nrow(rows))
  model <- coxph(formula, rows, ties = "efron", control = tight)
  robust <- coxph(formula, rows, ties = "efron", control = tight, cluster = .row)
  terms <- seq_along(coef(model)) - 1
  add(case, "coefficient", terms, coef(model))
  add(case, "model", terms, sqrt(diag(vcov(model))))
  add(case, "robust", terms, sqrt(diag(vcov(robust))))
  add(case, "log_likelihood", 0, model$loglik[2])
  if (!is.null(cluster)) {
    rows$.family <- rows[[cluster]]
    clustered <- coxph(formula, rows, ties = "efron", control = tight, cluster = .family)
    add(case, "clustered", terms, sqrt(diag(vcov(clustered))))
  }
  for (transform in c("km", "identity")) {
    test <- cox.zph(model, transform = transform, terms = FALSE)$table
    add(case, paste0("zph_", transform), c(terms, "global"), test[, "chisq"])
    add(case, paste0("zph_p_", transform), c(terms, "global"), test[, "p"])
  }
}
cox("made", Surv(days, event) ~ treated + history + age, made, "family")
cox("lung", Surv(days, event) ~ age + female + ecog, lung, NULL)

curve <- function(case, data, horizons) {
  fit <- survfit(Surv(days, event) ~ 1, data, conf.type = "log-log")
  found <- summary(fit, times = fit$time, censored = TRUE)
  for (name in c("n.risk", "n.event", "n.censor", "surv", "std.err", "lower", "upper")) {
    some <- unique(c(seq(1, length(found$time), 8), length(found$time)))
    add(case, name, found$time[some], found[[name]][some])
  }
  for (until in horizons) {
    mean <- survival:::survmean(fit, rmean = until)$matrix  # what print(fit, rmean = until) shows, unrounded
    add(case, "rmean", until, mean["rmean"])
    add(case, "se_rmean", until, mean["se(rmean)"])
  }
}
curve("made_treated", subset(made, treated == 1), c(100, 301, 458))
curve("made_control", subset(made, treated == 0), c(100, 301, 458))
curve("lung", lung, c(30, 365, 1000))
test <- survdiff(Surv(days, event) ~ treated, made)
add("made", "log_rank", 0, test$chisq)

cat("# R ", R.version$major, ".", R.version$minor, ", survival ", as.character(packageVersion("survival")), "\n", sep = "")
write.csv(transform(out, value = format(value, digits = 15)), row.names = FALSE, quote = FALSE)
