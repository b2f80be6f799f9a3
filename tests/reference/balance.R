# Reference values for crewe_lib.models.balance: permutation tests of two samples from coin, and its quadratic statistic.
# Run from the repository root: Rscript tests/reference/balance.R > tests/reference/balance.csv
suppressPackageStartupMessages(library(coin))
d <- read.csv("tests/reference/balance_input.csv")
d$arm <- factor(d$treated)
out <- data.frame()
add <- function(name, value) out <<- rbind(out, data.frame(name = name, value = as.numeric(value)))
for (x in c("age", "children", "female")) {
  test <- independence_test(reformulate("arm", x), d, distribution = exact(algorithm = "shift"))
  add(paste0("p_", x), pvalue(test))
}
joint <- independence_test(age + children + female ~ arm, d, teststat = "quadratic")
add("distance", statistic(joint))
add("rank", joint@statistic@df)

# The joint p-value by enumeration of all allocations, with base R.
x <- as.matrix(d[c("age", "children", "female")]); n1 <- sum(d$treated)
inverse <- solve(cov(x))
distance <- function(rows) {
  gap <- colMeans(x[rows, ]) - colMeans(x[-rows, ])
  drop(gap %*% inverse %*% gap) * n1 * (nrow(x) - n1) / nrow(x)
}
all <- apply(combn(nrow(x), n1), 2, distance)
add("distance_by_hand", distance(which(d$treated == 1)))
add("joint_p", mean(all >= distance(which(d$treated == 1)) - 1e-9))
add("mean_distance", mean(all))
cat("# R ", R.version$major, ".", R.version$minor, ", coin ", as.character(packageVersion("coin")), "\n", sep = "")
write.csv(format(out, digits = 15), row.names = FALSE, quote = FALSE)
