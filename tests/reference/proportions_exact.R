# Reference values for crewe_lib.models.exact_proportions: one proportion, and events by arm, by R's own binom.test.
# Run from the repository root: Rscript tests/reference/proportions_exact.R > tests/reference/proportions_exact.csv
out <- data.frame()
add <- function(k, n, share, quantity, value) {
  out <<- rbind(out, data.frame(k = k, n = n, share = format(share, digits = 15), quantity = quantity,
                                value = format(value, digits = 15)))
}
for (x in list(c(8, 9), c(6, 19), c(0, 44), c(4, 84), c(5, 5))) {
  for (level in c(0.95, 0.9)) {
    limits <- binom.test(x[1], x[2], conf.level = level)$conf.int
    add(x[1], x[2], 1 - level, "low", limits[1]); add(x[1], x[2], 1 - level, "high", limits[2])
  }
}
for (x in list(c(5, 8), c(0, 8), c(8, 8), c(1, 8), c(13, 24))) {
  for (share in c(2 / 3, 0.7, 0.5)) add(x[1], x[2], share, "p_value", binom.test(x[1], x[2], share)$p.value)
}
cat("# R ", R.version$major, ".", R.version$minor, ", stats\n", sep = "")
write.csv(out, row.names = FALSE, quote = FALSE)
