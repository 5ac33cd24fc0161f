/** Elements: made, found, and spoken to those who hear the page instead of seeing it. */

export const $ = (id) => document.getElementById(id);

/**
 * Makes an element.
 * @param {string} tag its name, with classes after dots: "button.quiet"
 * @param {object} props properties; `on` holds listeners, `aria` and `data` attributes of these kinds
 * @param {...(Node|string|null)} children what is in it; null is left out
 */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (key === "aria") for (const [word, text] of Object.entries(value)) made.setAttribute(`aria-${word}`, text);
    else if (key === "data") Object.assign(made.dataset, value);
    else if (key in made && key !== "list" && key !== "form") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Takes an icon of the sprite in index.html. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  svg.classList.add("icon");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** Speaks to screen readers, after what they say now. */
export function say(text) {
  const region = $("say");
  region.textContent = region.textContent === text ? `${text} ` : text;
}

/** Shows an error in words at the top of the page, until the next one or until it is dismissed. */
export function complain(text) {
  $("error-text").textContent = text;
  $("error").hidden = !text;
}

/** Writes seconds as 1:05, or with hundredths as 1:05.25. */
export function clockTime(seconds, digits = 0) {
  const whole = Math.max(0, digits ? seconds : Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const rest = (whole - 60 * minutes).toFixed(digits);
  return `${minutes}:${rest.padStart(digits ? digits + 3 : 2, "0")}`;
}

/** Shows or hides parts of the page by id. */
export function show(visible, ...ids) {
  for (const id of ids) $(id).hidden = !visible;
}

/** Copies text, and says so on the button that was pressed. */
export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it and copy by hand";
  }
  say(button.textContent);
  setTimeout(() => (button.textContent = before), 2000);
}
