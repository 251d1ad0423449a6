// Before the script of each component: elements, and templates with their values.
const make = (name, kind, text) => {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  if (text !== undefined) element.textContent = text;
  return element;
};
const fill = (template, values) => template.replace(/{(\w+)}/g, (all, name) => values[name] ?? all);
