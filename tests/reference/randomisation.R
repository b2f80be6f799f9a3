# Reference values for crewe_lib.models.randomisation: exact two-sided permutation tests of two means from coin.
# With arms of equal size, one row a family (or as many in each) and no covariates, the studentised coefficient orders
# the allocations as the difference in means does, so the exact p-values are the same.
# Run from the repository root: Rscript tests/reference/randomisation.R > tests/reference/randomisation.csv
suppressPackageStartupMessages(library(coin))
data <- read.csv("tests/reference/randomisation_input.csv")
out <- data.frame()
for (outcome in c("y", "closed")) {
  exact <- oneway_test(data[[outcome]] ~ factor(data$treated), distribution = "exact")
  out <- rbind(out, data.frame(case = paste("rows", outcome), p_value = as.numeric(pvalue(exact))))
  totals <- aggregate(data[[outcome]], list(family = data$family), sum)
  arm <- tapply(data$pair_treated, data$family, mean)[as.character(totals$family)]
  exact <- oneway_test(totals$x ~ factor(arm), distribution = "exact")
  out <- rbind(out, data.frame(case = paste("pairs", outcome), p_value = as.numeric(pvalue(exact))))
}
cat("# R ", R.version$major, ".", R.version$minor, ", coin ", as.character(packageVersion("coin")), "\n", sep = "")
write.csv(format(out, digits = 15), row.names = FALSE, quote = FALSE)
