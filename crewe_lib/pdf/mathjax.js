// Set TeX as SVG with MathJax 3, from a folder on disk.
//   node mathjax.js <mathjax folder>   stdin: {"macros": {...}, "formulas": [{"tex": "…", "display": true}, …]}
//                                      stdout: [{"svg": "…"} | {"error": "…"}, …]
// noerrors and noundefined are taken out, so that a mistake is an error here and not red ink in the report.
const folder = process.argv[2];
const fs = require("fs");

function setting(macros) {
  return {
    loader: { paths: { mathjax: folder }, load: ["input/tex-full", "output/svg", "adaptors/liteDOM"], require },
    svg: { fontCache: "none" },
    tex: {
      macros,
      packages: { "[-]": ["noerrors", "noundefined", "autoload", "require"] },
      formatError: (jax, error) => { throw new Error(error.message); },
    },
  };
}

function set(MathJax, formula) {
  try {
    return { svg: MathJax.startup.adaptor.innerHTML(MathJax.tex2svg(formula.tex, { display: formula.display })) };
  } catch (error) {
    return { error: String(error.message || error) };
  }
}

(async () => {
  const request = JSON.parse(fs.readFileSync(0, "utf8"));
  const MathJax = await require(folder + "/node-main.js").init(setting(request.macros || {}));
  process.stdout.write(JSON.stringify(request.formulas.map((formula) => set(MathJax, formula))));
})().catch((error) => { console.error(String(error.message || error)); process.exit(1); });
