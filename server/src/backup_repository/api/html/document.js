"use strict";
// Shows the description of the API and tries it out. Everything is made of text nodes: no answer is ever read as HTML.

const prefix = location.pathname.replace(/\/api\/stable\/doc$/, "");
let description;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function resolved(node) {
  if (!node || !node.$ref) return node;
  return node.$ref.slice(2).split("/").reduce((found, part) => found[part], description);
}

// Paragraphs, lists and `code`: all of Markdown that the description uses.
function words(text) {
  return text.split(/`([^`]*)`/).map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

function prose(text) {
  return (text || "").split("\n\n").filter(Boolean).map((block) => {
    if (!block.startsWith("- ")) return element("p", {}, ...words(block));
    const items = block.split(/^- /m).filter(Boolean);
    return element("ul", {}, ...items.map((item) => element("li", {}, ...words(item.replace(/\s+/g, " ")))));
  });
}

// A schema as an outline, one property a line.
function outline(schema, indent = "") {
  const target = resolved(schema) || {};
  const inner = indent + "  ";
  if (target.allOf) return outline(target.allOf[0], indent);
  if (target.anyOf && !target.properties) return target.anyOf.map((one) => outline(one, indent)).join(" or ");
  if (target.properties) {
    const needed = new Set(target.required || []);
    const lines = Object.entries(target.properties).map(([name, property]) => {
      const meaning = property.description ? `  // ${property.description}` : "";
      const codes = property["x-error-codes"] ? `  (${property["x-error-codes"].join(", ")})` : "";
      return `${inner}${name}${needed.has(name) ? "" : "?"}: ${outline(property, inner)}${meaning}${codes}\n`;
    });
    return `{\n${lines.join("")}${indent}}`;
  }
  if (target.const !== undefined) return JSON.stringify(target.const);
  if (target.enum) return target.enum.length > 8 ? `one of ${target.enum.length} names` : target.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (target.maxItems === 0) return "[]";
  if (target.items) return `[${outline(target.items, indent)}, …]`;
  if (target.additionalProperties) return `{<key>: ${outline(target.additionalProperties, indent)}, …}`;
  return [].concat(target.type || "bytes").join(" | ") + (target.format ? ` (${target.format})` : "");
}

function pretty(value) {
  return element("pre", { tabIndex: 0 }, typeof value === "string" ? value : JSON.stringify(value, null, 4));
}

function parameterList(parameters) {
  const rows = parameters.flatMap((parameter) => [
    element("dt", {}, element("code", {}, parameter.name), element("span", { className: "soft" }, ` ${parameter.in}, ${outline(parameter.schema)}`)),
    element("dd", {}, ...words(parameter.description || "")),
  ]);
  return parameters.length ? [element("h3", {}, "Parameters"), element("dl", {}, ...rows)] : [];
}

function media(content) {
  return Object.entries(content || {}).flatMap(([type, one]) => {
    const examples = "example" in one ? [["example", { value: one.example }]] : Object.entries(one.examples || {});
    return [
      element("p", { className: "soft" }, type),
      ...(one.schema ? [pretty(outline(one.schema))] : []),
      ...examples.slice(0, 1).map(([, example]) => pretty(resolved(example).value)),
    ];
  });
}

function responseList(responses) {
  const shown = Object.entries(responses).map(([status, reference]) => {
    const response = resolved(reference);
    const names = Object.keys(response.headers || {});
    const codes = response.description.match(/(?<=`)\d+(?=`)/g) || [];
    const title = [response.description.split("\n")[0], codes.join(", ")].join(" ");
    return element("details", {}, element("summary", {}, element("b", {}, status), title), ...prose(response.description),
      ...(names.length ? [element("p", { className: "soft" }, `Headers: ${names.join(", ")}`)] : []), ...media(response.content));
  });
  return [element("h3", {}, "Answers"), ...shown];
}

function field(label, properties = {}, tag = "input") {
  const input = element(tag, { autocomplete: "off", spellcheck: false, ...properties });
  return { input, label: element("label", {}, label, input) };
}

function tryingForm(method, path, operation, parameters) {
  const protection = Object.keys((operation.security || [])[0] || {})[0];
  const code = protection && protection !== "bearer" ? [{ name: "code", in: "query" }] : [];
  const inputs = [...parameters, ...code].map((parameter) => {
    const example = parameter.in === "path" ? parameter.example : "";
    const type = parameter.name === "code" ? "password" : "text";
    return { parameter, ...field(`${parameter.name} (${parameter.in})`, { value: example || "", required: parameter.in === "path", type }) };
  });
  const content = (operation.requestBody || {}).content || {};
  const json = content["application/json"];
  let body = null;
  if (json) body = field("Body", { value: JSON.stringify(json.example, null, 4) }, "textarea");
  else if (operation.requestBody) body = field("File", { type: "file", required: true });
  const output = element("div", { ariaLive: "polite" });
  const form = element("form", {}, element("h3", {}, "Try it"), ...inputs.map((one) => one.label), ...(body ? [body.label] : []),
    element("button", {}, "Send"), output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    output.replaceChildren("Sending …");
    try {
      output.replaceChildren(...await send(method, path, operation, inputs, body));
    } catch (error) {
      output.replaceChildren(element("p", { className: "bad" }, `No answer: ${error.message}`));
    }
  });
  return form;
}

async function send(method, path, operation, inputs, body) {
  const headers = new Headers();
  const query = new URLSearchParams();
  let target = path;
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value && parameter.in === "query") query.append(parameter.name, input.value);
    else if (input.value) headers.set(parameter.name, input.value);
  }
  const token = document.getElementById("token");
  if (token.value) headers.set("Authorization", `Bearer ${token.value.trim()}`);
  const address = prefix + target + (query.size ? `?${query}` : "");
  const sent = body && (body.input.files ? body.input.files[0] : body.input.value);
  const options = { method, headers, credentials: "omit", cache: "no-store", ...(body ? { body: sent } : {}) };
  const answer = await fetch(address, options);
  const shown = [element("p", { className: answer.ok ? "" : "bad" }, element("b", {}, `${answer.status} ${answer.statusText}`)),
    pretty([...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n"))];
  if ((answer.headers.get("content-type") || "").startsWith("application/octet-stream")) {
    const blob = await answer.blob();
    const link = element("a", { href: URL.createObjectURL(blob), download: "version" }, `Save ${blob.size} bytes`);
    return [...shown, element("p", {}, link)];
  }
  const text = await answer.text();
  if (operation.operationId === "logIn" && answer.ok) token.value = JSON.parse(text).token;
  return [...shown, pretty(text || "(no body)")];
}

function operationPart(method, path, item, operation) {
  const parameters = [...(item.parameters || []), ...(operation.parameters || [])];
  const part = element("details", { id: operation.operationId },
    element("summary", {}, element("b", {}, method.toUpperCase()), element("code", {}, path), ` ${operation.summary}`));
  const fill = () => {
    part.append(...prose(operation.description), ...parameterList(parameters),
      ...(operation.requestBody ? [element("h3", {}, "Body"), ...media(operation.requestBody.content)] : []),
      ...responseList(operation.responses), tryingForm(method.toUpperCase(), path, operation, parameters));
  };
  part.addEventListener("toggle", fill, { once: true });
  return part;
}

function show() {
  const sections = description.tags.map(({ name }, index) => {
    const parts = Object.entries(description.paths).flatMap(([path, item]) => Object.entries(item)
      .filter(([, operation]) => operation.tags && operation.tags.includes(name))
      .map(([method, operation]) => operationPart(method, path, item, operation)));
    return element("section", { id: `group-${index}` }, element("h2", {}, name), ...parts);
  });
  const links = description.tags.map(({ name }, index) => element("li", {}, element("a", { href: `#group-${index}` }, name)));
  document.getElementById("about").replaceChildren(...prose(description.info.description));
  document.getElementById("tags").replaceChildren(element("ul", {}, ...links));
  document.getElementById("operations").replaceChildren(...sections);
}

fetch("doc.json", { credentials: "omit" })
  .then((answer) => answer.json())
  .then((parsed) => { description = parsed; show(); })
  .catch((error) => {
    document.getElementById("operations").replaceChildren(`The description cannot be read: ${error.message}`);
  });
