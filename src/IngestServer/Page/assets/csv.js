// Reads files as spreadsheets and banks write them: the separator, the header line and the forms of numbers and days are found, and can be changed.

export function parse(text) {
  const plain = text.replace(/^\ufeff/, "");
  const separator = separatorOf(plain);
  const records = [];
  let record = [], cell = "", isQuoted = false, line = 1, startedAt = 1;
  const endCell = () => { record.push(cell.trim()); cell = ""; };
  const endRecord = () => {
    endCell();
    if (record.length > 1 || record[0] !== "") records.push({ line: startedAt, cells: record });
    record = [];
    startedAt = line;
  };
  for (let at = 0; at < plain.length; at++) {
    const letter = plain[at];
    if (letter === "\n") line++;
    if (isQuoted) {
      if (letter !== '"') cell += letter;
      else if (plain[at + 1] === '"') { cell += '"'; at++; }
      else isQuoted = false;
    } else if (letter === '"' && cell.trim() === "") { isQuoted = true; cell = ""; }
    else if (letter === separator) endCell();
    else if (letter === "\n") endRecord();
    else if (letter !== "\r") cell += letter;
  }
  if (cell !== "" || record.length) endRecord();
  return { separator, records };
}

function separatorOf(text) {
  const lines = text.split("\n").slice(0, 20).filter(line => line.trim());
  const score = separator => {
    const counts = lines.map(line => line.split(separator).length - 1);
    return counts.length ? Math.min(...counts) * 1000 + counts[0] : 0;
  };
  return [";", "\t", ",", "|"].reduce((best, one) => score(one) > score(best) ? one : best, ",");
}

const guesses = {
  user: /^(user[_ ]?id|user|customer|account|konto|iban.*|account number|kunde)$/i,
  category: /^(category[_ ]?id|category|kategorie|type|typ|mcc|merchant category|buchungstext|payee|beg.nstigter.*|description|verwendungszweck)$/i,
  amount: /^(amount|betrag.*|umsatz.*|value|sum|importe|montant.*|money out|paid out)$/i,
  day: /^(occurred[_ ]?at|date|datum|day|time|timestamp|booking date|buchungstag|buchungsdatum|wertstellung|completed date|transaction date|fecha|when)$/i,
};

// Which column is what: by its name, else by what stands in it.
export function guess(records) {
  const first = records[0]?.cells ?? [];
  const body = records.slice(1, 30);
  const looks = (index, test) => body.length > 0 && body.every(({ cells }) => test(cells[index] ?? ""));
  const isHeader = first.every(cell => number(cell, false) === null && number(cell, true) === null && day(cell, "auto") === null);
  const found = { isHeader };
  for (const [name, pattern] of Object.entries(guesses)) {
    const index = isHeader ? first.findIndex(cell => pattern.test(cell)) : -1;
    if (index >= 0) found[name] = index;
  }
  const taken = index => Object.entries(found).some(([name, value]) => name !== "isHeader" && value === index);
  found.day ??= first.findIndex((_, index) => !taken(index) && looks(index, text => day(text, "auto") !== null));
  const comma = value => body.some(({ cells }) => /,\d{1,2}$/.test(cells[value] ?? ""));
  found.amount ??= first.findIndex((_, index) => !taken(index) && looks(index, text => number(text, comma(index)) !== null));
  found.comma = found.amount >= 0 && comma(found.amount);
  for (const name of ["user", "category"]) found[name] ??= -1;
  return found;
}

// An amount as the API takes it; null: it is none. "1.234,56", "(12.00)", "12.00-", "€ 5".
export function number(text, isComma) {
  let plain = text.replace(/[\s\u00a0\u202f'’]/g, "").replace(/^[^\d(.,+\-−]+|[^\d).,\-−]+$/g, "").replace(/−/g, "-");
  let isNegative = false;
  if (/^\(.*\)$/.test(plain)) { isNegative = true; plain = plain.slice(1, -1); }
  if (plain.endsWith("-")) { isNegative = !isNegative; plain = plain.slice(0, -1); }
  if (/^[+-]/.test(plain)) { isNegative = plain[0] === "-" ? !isNegative : isNegative; plain = plain.slice(1); }
  const [thousands, decimal] = isComma ? [".", ","] : [",", "."];
  const [wholes, decimals = "", ...rest] = plain.split(decimal);
  if (rest.length || decimals.length > 4 || !/^\d*$/.test(decimals)) return null;
  const groups = wholes.split(thousands);
  if (!groups.every((group, index) => index === 0 ? /^\d+$/.test(group) : /^\d{3}$/.test(group))) return null;
  return `${isNegative ? "-" : ""}${groups.join("")}${decimals ? `.${decimals}` : ""}`;
}

// A time as the API takes it; null: it is none. Days without a time are noon of the browser's own day.
export function day(text, order) {
  const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.exec(text.trim());
  if (iso) return at(iso[7] ? new Date(text.trim().replace(" ", "T")) : made(iso[1], iso[2], iso[3], iso[4], iso[5], iso[6]));
  const other = /^(\d{1,2})([./-])(\d{1,2})\2(\d{2}|\d{4})(?:[ ,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/.exec(text.trim());
  if (!other) return null;
  const isMonthFirst = order === "mdy" || (order === "auto" && other[2] === "/" && Number(other[3]) > 12);
  const [one, two] = [other[1], other[3]];
  const year = other[4].length === 2 ? `20${other[4]}` : other[4];
  return at(made(year, isMonthFirst ? one : two, isMonthFirst ? two : one, other[5], other[6], other[7]));
}

function made(year, month, date, hour = 12, minute = 0, second = 0) {
  const value = new Date(Number(year), Number(month) - 1, Number(date), Number(hour), Number(minute), Number(second));
  return value.getMonth() === Number(month) - 1 && value.getDate() === Number(date) ? value : new Date(NaN);
}

const at = value => Number.isNaN(value.getTime()) ? null : value.toISOString();

// What the API takes, and the lines that it would not: each with its number and a reason.
export function convert(records, how) {
  const good = [], refused = [], names = new Map();
  for (const { line, cells } of how.isHeader ? records.slice(1) : records) {
    const cell = index => cells[index] ?? "";
    const reasons = [];
    const amount = number(cell(how.amount), how.comma);
    if (amount === null) reasons.push(`“${cell(how.amount)}” is no amount`);
    const time = how.day >= 0 ? day(cell(how.day), how.order) : null;
    if (how.day >= 0 && time === null) reasons.push(`“${cell(how.day)}” is no day`);
    const user = how.user >= 0 ? whole(cell(how.user)) : how.userId;
    if (user === null) reasons.push(`“${cell(how.user)}” is no user: a whole number from 1`);
    const category = how.category >= 0 ? whole(cell(how.category)) ?? numbered(names, cell(how.category)) : "1";
    if (category === null) reasons.push("the category is empty");
    if (reasons.length) refused.push({ line, reason: reasons.join("; ") });
    else good.push({ line, item: { user_id: user, category_id: category, amount, ...(time ? { occurred_at: time } : {}) } });
  }
  return { good, refused, names };
}

const whole = text => /^[1-9]\d{0,18}$/.test(text) && BigInt(text) < 2n ** 63n ? text : null;

// Categories in words get numbers from their text, so that the same word has the same number in every file.
function numbered(names, text) {
  const name = text.trim().toLowerCase();
  if (!name) return null;
  if (!names.has(name)) {
    let hash = 2166136261;
    for (const letter of name) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619) >>> 0;
    names.set(name, String(100000 + hash % 900000000));
  }
  return names.get(name);
}

// Ids go out as the digits that they are: a JavaScript number would round the large ones.
export const line = item => `{"user_id":${item.user_id},"category_id":${item.category_id},"amount":"${item.amount}"${item.occurred_at ? `,"occurred_at":"${item.occurred_at}"` : ""}}`;
