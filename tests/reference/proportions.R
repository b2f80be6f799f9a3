# Reference values for crewe_lib.models.proportions: two proportions by R's own functions.
# Run from the repository root: Rscript tests/reference/proportions.R > tests/reference/proportions.csv
cases <- list(c(11, 84, 13, 44), c(60, 84, 36, 44), c(5, 83, 3, 45), c(8, 9, 6, 19), c(4, 84, 0, 44))
out <- data.frame()
for (x in cases) {
  k <- x[c(1, 3)]; n <- x[c(2, 4)]; m <- cbind(k, n - k)
  add <- function(quantity, value) {
    out <<- rbind(out, data.frame(k1 = x[1], n1 = x[2], k2 = x[3], n2 = x[4], quantity = quantity, value = value))
  }
  y <- c(rep(1:0, c(k[1], n[1] - k[1])), rep(1:0, c(k[2], n[2] - k[2]))); g <- rep(1:0, n)
  add("Fisher's exact", fisher.test(m)$p.value)
  add("chi-square", suppressWarnings(prop.test(k, n, correct = FALSE))$p.value)
  add("chi-square, Yates", suppressWarnings(prop.test(k, n))$p.value)
  if (all(m > 0)) add("logit, Wald", summary(glm(y ~ g, family = binomial, control = list(epsilon = 1e-14)))$coefficients[2, 4])
  if (all(tapply(y, g, var) > 0)) add("Welch's t", t.test(y[g == 1], y[g == 0])$p.value)
  for (i in 1:2) {
    wilson <- suppressWarnings(prop.test(k[i], n[i], correct = FALSE))$conf.int
    add(paste0("Wilson low ", i), wilson[1]); add(paste0("Wilson high ", i), wilson[2])
  }
}
cat("# R ", R.version$major, ".", R.version$minor, "\n", sep = "")
out$value <- format(out$value, digits = 15)
write.csv(out, row.names = FALSE, quote = TRUE)
