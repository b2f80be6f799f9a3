# Reference values for crewe_lib.models.power_simulation: the test of one trial by CR2 (clubSandwich), and the naive test
# by HC2 (sandwich), for counts of children with an event in families of unequal size.
# Run from the repository root: Rscript tests/reference/power_simulation.R > tests/reference/power_simulation.csv
suppressPackageStartupMessages({library(clubSandwich); library(sandwich)})
trials <- read.csv("tests/reference/power_simulation_input.csv")
out <- data.frame()
for (trial in unique(trials$trial)) {
  d <- trials[trials$trial == trial, ]
  children <- d[rep(seq_len(nrow(d)), d$size), ]
  children$y <- unlist(mapply(function(k, m) rep(c(1, 0), c(k, m - k)), d$events, d$size))
  fit <- lm(y ~ treated, children)
  test <- coef_test(fit, vcov = vcovCR(fit, cluster = children$family, type = "CR2"), test = "Satterthwaite")
  naive <- coef(fit)[[2]] / sqrt(vcovHC(fit, type = "HC2")[2, 2])
  out <- rbind(out, data.frame(trial = trial, p_value = test$p_Satt[2],
                               naive = 2 * pt(-abs(naive), nrow(children) - 2)))
}
cat("# R ", R.version$major, ".", R.version$minor, ", clubSandwich ", as.character(packageVersion("clubSandwich")),
    ", sandwich ", as.character(packageVersion("sandwich")), "\n", sep = "")
write.csv(format(out, digits = 15), row.names = FALSE, quote = FALSE)
