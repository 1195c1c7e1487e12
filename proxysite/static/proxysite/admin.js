// The server tells times in the zone of whoever looks: proxysite/time_zones.py reads this cookie.
document.cookie = `time_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; max-age=31536000; samesite=lax`;

// A button with data-copy="id" copies the text of that element.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const source = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "press Ctrl+C";
  }
  setTimeout(() => (button.textContent = label), 1500);
});

// A link with data-post does something: it is sent as a POST, with the token of a form of the page.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-post]");
  if (!link) return;
  event.preventDefault();
  const form = document.createElement("form");
  form.method = "post";
  form.action = link.href;
  form.append(document.querySelector("input[name=csrfmiddlewaretoken]").cloneNode());
  document.body.append(form);
  form.submit();
});

// An element with data-refresh="url" shows what that address answers, anew every two seconds while the page is looked at.
document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll("[data-refresh]")) {
    const refresh = async () => {
      if (!document.hidden) {
        try {
          const answer = await fetch(place.dataset.refresh, { redirect: "error" });
          if (answer.ok) place.innerHTML = await answer.text();
          place.style.opacity = answer.ok ? "" : "0.5";
        } catch {
          place.style.opacity = "0.5"; // the server is away, or the login has ended: what is shown is old
        }
      }
      setTimeout(refresh, 2000);
    };
    setTimeout(refresh, 2000);
  }
});
