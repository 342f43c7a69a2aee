// The theme: a cookie, so that the server writes it into the page before anything is painted.

export function choose(theme) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `homelab-theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  document.documentElement.dataset.theme = theme;
}
