# Reference values for crewe_lib.models.imputation: Rubin's rules by mice, imputation of a 0/1 outcome by its "logreg".
# Run from the repository root: Rscript tests/reference/imputation.R > tests/reference/imputation.csv
# It also writes imputation_input.csv: a made trial of 128 families, some without an outcome.
suppressPackageStartupMessages(library(mice))
set.seed(2019)
n <- 128
d <- data.frame(treated = rep(1:0, c(84, 44)), under_11 = rbinom(n, 1, 0.6), history = rbinom(n, 1, 0.7))
d$y <- rbinom(n, 1, plogis(-0.4 + 0.3 * d$treated + 0.7 * d$under_11 - 0.5 * d$history))
d$y[sample(n, 20)] <- NA
write.csv(d, "tests/reference/imputation_input.csv", row.names = FALSE, quote = FALSE, na = "")
out <- data.frame()
add <- function(case, quantity, value)
  out <<- rbind(out, data.frame(case = case, quantity = quantity, value = format(value, digits = 15)))
# Pooling: estimates and variances as typed here are typed again in the test.
Q <- c(0.112, 0.087, 0.131, 0.095, 0.104); U <- c(0.0071, 0.0069, 0.0073, 0.007, 0.0072)
pooling <- function(case, Q, U, dfcom) {
  p <- pool.scalar(Q, U, n = dfcom + 1, k = 1)
  for (name in c("qbar", "ubar", "b", "t", "df", "r", "fmi")) add(case, name, p[[name]])
  half <- qt(0.975, p$df) * sqrt(p$t)
  add(case, "low", p$qbar - half); add(case, "high", p$qbar + half)
  add(case, "p", 2 * pt(abs(p$qbar) / sqrt(p$t), p$df, lower.tail = FALSE))
}
pooling("complete df 126", Q, U, 126); pooling("complete df 5", Q, U, 5); pooling("no complete df", Q, U, Inf)
pooling("wide apart", 10 * Q, U, 126)
# The whole of mice: imputed, analysed by least squares and pooled; our rules must pool its analyses to the same.
predictors <- make.predictorMatrix(d); predictors[, ] <- 0; predictors["y", c("treated", "under_11", "history")] <- 1
made <- transform(d, y = factor(y))
imp <- mice(made, m = 8, maxit = 1, method = c("", "", "", "logreg"), predictorMatrix = predictors, printFlag = FALSE, seed = 3)
fits <- with(imp, lm(as.numeric(y == 1) ~ treated))
found <- summary(pool(fits), conf.int = TRUE)
for (i in 1:8) {
  own <- summary(fits$analyses[[i]])$coefficients["treated", ]
  add("mice", paste0("Q", i), own[1]); add("mice", paste0("U", i), own[2]^2)
}
for (name in c("estimate", "std.error", "df", "p.value", "2.5 %", "97.5 %")) add("mice", name, found[2, name])
add("mice", "fmi", pool(fits)$pooled$fmi[2])
# Mean of what mice imputes for each missing row over 4,000 imputations, for the means of ours; both have Monte Carlo error.
ry <- !is.na(d$y); x <- as.matrix(d[c("treated", "under_11", "history")])
set.seed(4)
many <- replicate(4000, mice.impute.logreg(factor(d$y), ry, x) == "1")
for (i in seq_len(nrow(many))) add("imputed", paste0("mean ", i - 1), mean(many[i, ]))
add("imputed", "variance of the sum", var(colSums(many)))
cat("# R ", R.version$major, ".", R.version$minor, ", mice ", as.character(packageVersion("mice")), "\n", sep = "")
write.csv(out, row.names = FALSE, quote = FALSE)
