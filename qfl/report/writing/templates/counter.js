// Counts every error on the page where a test can read it.
document.body.dataset.errors = "0";
const countError = () => { document.body.dataset.errors = String(Number(document.body.dataset.errors) + 1); };
window.addEventListener("error", countError);
window.addEventListener("unhandledrejection", countError);
