# Reference values for crewe_lib.models.ranks: exact and normal Wilcoxon tests of tied data from coin and
# exactRankTests, Hodges-Lehmann from coin (interval by inverting its exact test), Brunner and Munzel (2000) from the formula.
# Run from the repository root: Rscript tests/reference/ranks.R > tests/reference/ranks.csv
suppressPackageStartupMessages({library(coin); library(exactRankTests)})
data <- read.csv("tests/reference/ranks_input.csv")
brunner_munzel <- function(x, y, alpha = 0.05) {
  m <- length(x); n <- length(y); all <- rank(c(x, y))
  rx <- all[1:m]; ry <- all[m + 1:n]
  sx <- sum((rx - rank(x) - mean(rx) + (m + 1) / 2)^2) / (m - 1)
  sy <- sum((ry - rank(y) - mean(ry) + (n + 1) / 2)^2) / (n - 1)
  p <- (mean(rx) - (m + 1) / 2) / n
  se <- sqrt(sx / (m * n^2) + sy / (n * m^2))
  df <- (m * sx + n * sy)^2 / ((m * sx)^2 / (m - 1) + (n * sy)^2 / (n - 1))
  d <- se / (p * (1 - p)); half <- qt(1 - alpha / 2, df) * d
  c(p, se, df, plogis(qlogis(p) - half), plogis(qlogis(p) + half), 2 * pt(-abs(qlogis(p)) / d, df),
    2 * pt(-abs(p - 0.5) / se, df))
}
# The shifts that coin's exact test does not reject, tried at every whole and half point; an interval between two whole
# numbers that is not rejected reaches to both. coin's own confint uses other tails and gives none for some data.
invert <- function(d, alpha = 0.05) {
  shifts <- seq(-41, 41, by = 0.5)
  kept <- sapply(shifts, function(s) {
    e <- d; e$y[e$arm == "t"] <- e$y[e$arm == "t"] - s
    as.numeric(pvalue(wilcox_test(y ~ arm, e, distribution = "exact"))) > alpha
  })
  c(floor(min(shifts[kept])), ceiling(max(shifts[kept])))
}
out <- data.frame()
for (case in unique(data$case)) {
  d <- data[data$case == case, ]; d$arm <- factor(d$arm, levels = c("t", "c"))
  x <- d$y[d$arm == "t"]; y <- d$y[d$arm == "c"]
  exact <- wilcox_test(y ~ arm, d, distribution = "exact", conf.int = TRUE)
  normal <- wilcox_test(y ~ arm, d)
  shift <- confint(exact); ends <- if (case == "no_ties") shift$conf.int else invert(d)
  stata <- suppressWarnings(wilcox.test(x, y, exact = FALSE, correct = TRUE))
  bm <- brunner_munzel(x, y)
  out <- rbind(out, data.frame(case = case, p_coin = as.numeric(pvalue(exact)), z_coin = as.numeric(statistic(normal)),
    p_normal = as.numeric(pvalue(normal)), p_continuity = stata$p.value,
    p_rank_tests = wilcox.exact(x, y, exact = TRUE)$p.value, shift = as.numeric(shift$estimate),
    shift_low = ends[1], shift_high = ends[2], chance = bm[1], std_error = bm[2], df = bm[3],
    low = bm[4], high = bm[5], p_logit = bm[6], p_brunner_munzel = bm[7]))
}
cat("# R ", R.version$major, ".", R.version$minor, ", coin ", as.character(packageVersion("coin")),
    ", exactRankTests ", as.character(packageVersion("exactRankTests")), "\n", sep = "")
write.csv(format(out, digits = 15), row.names = FALSE, quote = FALSE)
