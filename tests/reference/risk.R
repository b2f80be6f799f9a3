# Reference values for crewe_lib.models.agreement, crewe_lib.risk_estimates and crewe_lib.risk_printed.
# Run from the repository root: Rscript tests/reference/risk.R > tests/reference/risk.csv
suppressPackageStartupMessages({library(psych); library(vcd); library(clubSandwich)})
d <- read.csv("tests/reference/risk_input.csv")
out <- data.frame()
add <- function(quantity, value) out <<- rbind(out, data.frame(quantity = quantity, value = value))
# Two coders of thirty engagements: weighted kappa, levels -2, -1, 1, 2 as four places of a scale.
levels <- c(-2, -1, 1, 2)
ratings <- table(factor(d$first, levels), factor(d$second, levels))
linear <- 1 - abs(outer(1:4, 1:4, "-")) / 3
add("kappa linear, psych", cohen.kappa(unclass(ratings), w = linear)$weighted.kappa)
add("kappa quadratic, psych", cohen.kappa(unclass(ratings))$weighted.kappa)
add("kappa linear, vcd", Kappa(ratings, weights = "Equal-Spacing")$Weighted[["value"]])
add("kappa quadratic, vcd", Kappa(ratings, weights = "Fleiss-Cohen")$Weighted[["value"]])
# Difference in change by Welch; difference at the end given the start, CR2, each row its own cluster.
change <- d$end - d$start
welch <- t.test(change[d$treated == 1], change[d$treated == 0])
add("welch estimate", unname(welch$estimate[1] - welch$estimate[2])); add("welch low", welch$conf.int[1])
add("welch high", welch$conf.int[2]); add("welch p_value", welch$p.value); add("welch df", unname(welch$parameter))
fit <- lm(end ~ treated + start, d)
ancova <- coef_test(fit, vcov = vcovCR(fit, cluster = seq_len(nrow(d)), type = "CR2"), test = "Satterthwaite")
add("ancova estimate", ancova$beta[2]); add("ancova std_error", ancova$SE[2])
add("ancova df", ancova$df_Satt[2]); add("ancova p_value", ancova$p_Satt[2])
# A share's exact interval, and what fifteen cases in each arm can tell apart.
exact <- binom.test(14, 30)$conf.int
add("exact low", exact[1]); add("exact high", exact[2])
add("detectable", power.t.test(n = 15, power = 0.8, strict = TRUE, tol = 1e-12)$delta)
cat("# R ", R.version$major, ".", R.version$minor, ", psych ", as.character(packageVersion("psych")), ", vcd ",
    as.character(packageVersion("vcd")), ", clubSandwich ", as.character(packageVersion("clubSandwich")), "\n", sep = "")
out$value <- sprintf("%.15g", out$value)
write.csv(out, row.names = FALSE, quote = 1)
