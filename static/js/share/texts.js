/** Texts and shapes that a template brought: nothing that a reader sees is written in a script. */

/** A text of an element's attributes `data-say-…`, its {places} filled. */
export function textOf(element, name, values = {}) {
  const template = element.dataset[`say${name[0].toUpperCase()}${name.slice(1)}`] ?? "";
  return template.replace(/\{(\w+)\}/g, (place, key) => (Object.hasOwn(values, key) ? String(values[key]) : place));
}

/** A copy of what a `<template data-shape=NAME>` holds, such as an outcome with its icon and word. */
export function shapeOf(name) {
  const template = document.querySelector(`template[data-shape="${CSS.escape(name)}"]`);
  return template ? template.content.cloneNode(true) : document.createTextNode(name);
}

/** Shows the children that are for a state, by their `data-when` (several names, by spaces), and hides the others. */
export function stateShow(element, state) {
  element.dataset.state = state;
  for (const part of element.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
}

/** Lets the browser paint and hear clicks, when `since` is longer ago than a frame; gives the moment for the next call. */
export async function breathe(since) {
  if (performance.now() - since < 12) return since;
  await new Promise((resolve) => {
    setTimeout(resolve);
  });
  return performance.now();
}
