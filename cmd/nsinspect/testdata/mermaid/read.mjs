// Reads an array of flowcharts from stdin with Mermaid's own parser, and
// writes what each has, or the error.
import { JSDOM } from 'jsdom';

globalThis.window = new JSDOM('').window;
globalThis.document = window.document;
const mermaid = (await import('mermaid')).default;

// Mermaid keeps the entity #NN; as these letters until it draws.
const plain = (s) => s.replace(/ﬂ°°(\d+)¶ß/g, (_, n) => String.fromCodePoint(Number(n)));

async function read(text) {
  try {
    await mermaid.parse(text);
    const { type, db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    const groups = db.getSubGraphs();
    const nodes = [...db.getVertices().values()].filter((v) => !groups.some((g) => g.id === v.id));
    return {
      type,
      nodes: nodes.map((v) => plain(v.text ?? '')),
      groups: groups.map((g) => plain(g.title)),
      edges: db.getEdges().map((e) => plain(e.text ?? '')),
    };
  } catch (err) {
    return { error: String(err) };
  }
}

let input = '';
for await (const chunk of process.stdin) input += chunk;
const all = [];
for (const text of JSON.parse(input)) all.push(await read(text));
console.log(JSON.stringify(all));
