/** The project's own address, which messages and generated files point to. */
export const home = 'https://github.com/sluice-ci/sluice';

/** The JSON Schema of sluice.yml, for editors. */
export const schemaUrl = `${home}/raw/main/schema/sluice.schema.json`;

/** Address of a page of the documentation: `config`, `checks`. */
export function docsUrl(page: string): string {
  return `${home}/blob/main/docs/${page}.md`;
}
