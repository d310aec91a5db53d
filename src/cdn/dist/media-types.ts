/**
 * Content types by extension, as registered at the IANA; with a leading `+`: text, sent as UTF-8. JSON and XML
 * declare their encoding themselves (RFC 8259, RFC 7303).
 */
const table = `
+text/html html htm
application/xhtml+xml xhtml xht
+text/css css
+text/javascript js mjs cjs
+text/plain txt text log conf ini lock diff patch
+text/markdown md markdown
+text/csv csv
+text/tab-separated-values tsv
+text/calendar ics
+text/vcard vcf
+text/vtt vtt
+text/yaml yaml yml
+text/x-component htc
application/json json map json5 topojson har webapp
application/ld+json jsonld
application/geo+json geojson
application/manifest+json webmanifest
application/feed+json jsonfeed
application/xml xml xsl xslt xsd kml gpx
application/rss+xml rss
application/atom+xml atom
application/opensearchdescription+xml osdx
application/wasm wasm
application/toml toml
application/graphql graphql gql
application/pdf pdf
application/rtf rtf
application/zip zip
application/gzip gz tgz
application/zstd zst
application/x-bzip2 bz2
application/x-xz xz
application/x-tar tar
application/x-7z-compressed 7z
application/vnd.rar rar
application/epub+zip epub
application/msword doc
application/vnd.ms-excel xls
application/vnd.ms-powerpoint ppt
application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
application/vnd.oasis.opendocument.text odt
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.android.package-archive apk
application/vnd.ms-fontobject eot
application/postscript ps eps ai
application/x-apple-diskimage dmg
application/java-archive jar
application/vnd.apple.mpegurl m3u8
application/dash+xml mpd
application/pgp-signature asc sig
font/woff woff
font/woff2 woff2
font/ttf ttf
font/otf otf
font/collection ttc
image/svg+xml svg
image/png png
image/apng apng
image/jpeg jpg jpeg jpe jfif
image/gif gif
image/webp webp
image/avif avif
image/jxl jxl
image/heic heic
image/bmp bmp
image/tiff tif tiff
image/vnd.microsoft.icon ico cur
audio/mpeg mp3
audio/mp4 m4a
audio/aac aac
audio/ogg ogg oga opus
audio/wav wav
audio/flac flac
audio/midi mid midi
audio/webm weba
video/mp4 mp4 m4v
video/webm webm
video/ogg ogv
video/quicktime mov
video/x-msvideo avi
video/x-matroska mkv
video/mp2t ts
video/mpeg mpg mpeg
model/gltf+json gltf
model/gltf-binary glb
model/obj obj
model/stl stl
model/vnd.usdz+zip usdz`;

const types = new Map(
  table
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [type = '', ...endings] = line.split(' ');
      const said = type.startsWith('+') ? `${type.slice(1)}; charset=utf-8` : type;
      return endings.map((ending) => [ending, said] as const);
    }),
);

const plain = 'text/plain; charset=utf-8';

/**
 * Known files without an extension; Apple requires JSON (developer.apple.com, “Supporting associated domains”).
 */
const named = new Map([
  ['apple-app-site-association', 'application/json'],
  ['CNAME', plain],
  ['LICENSE', plain],
  ['LICENCE', plain],
  ['NOTICE', plain],
  ['README', plain],
  ['AUTHORS', plain],
  ['CHANGELOG', plain],
  ['_headers', plain],
  ['_redirects', plain],
]);

export const unknownType = 'application/octet-stream';

/** The extension in lower case; '' for names without one (`LICENSE`, `.nojekyll`). */
export function endingOf(path: string): string {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') + 1 ? path.slice(dot + 1).toLowerCase() : '';
}

/** The content type of a file by its name; the default is plain bytes. */
export function mediaTypeOf(path: string): string {
  const ending = endingOf(path);
  const type = ending === '' ? named.get(path.slice(path.lastIndexOf('/') + 1)) : types.get(ending);
  return type ?? unknownType;
}

/** Whether content of this type compresses well: text, and formats of text or plain numbers. */
export function isCompressible(type: string): boolean {
  return /^(?:text\/|image\/(?:svg\+xml|bmp|vnd\.microsoft\.icon)|font\/(?:ttf|otf|collection)|model\/(?:gltf\+json|obj|stl))|[/+](?:json|xml|wasm|toml|graphql|rtf|postscript)\b|fontobject|mpegurl/.test(
    type,
  );
}
