# Reference values for crewe_lib.models.linear: CR2 with Satterthwaite degrees of freedom from clubSandwich.
# Run from the repository root: Rscript tests/reference/cr2.R > tests/reference/cr2.csv
suppressPackageStartupMessages(library(clubSandwich))
did <- read.csv("tests/reference/cr2_input.csv")
out <- data.frame()
add <- function(case, fit, clusters) {
  test <- coef_test(fit, vcov = vcovCR(fit, cluster = clusters, type = "CR2"), test = "Satterthwaite")
  out <<- rbind(out, data.frame(case = case, term = seq_along(test$beta) - 1, estimate = test$beta,
                                std_error = test$SE, df = test$df_Satt, p_value = test$p_Satt))
}
add("did", lm(y ~ treated + post + treated:post, did), did$year)
add("did_covariate", lm(y ~ treated + post + covariate + treated:post, did), did$year)
add("unequal_clusters", lm(y ~ covariate, did), did$group)
cat("# R ", R.version$major, ".", R.version$minor, ", clubSandwich ",
    as.character(packageVersion("clubSandwich")), "\n", sep = "")
write.csv(format(out, digits = 15), row.names = FALSE, quote = FALSE)
