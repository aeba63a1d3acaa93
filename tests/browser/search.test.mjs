// The pages in a real Chromium, as an analyst uses them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { Platform } from "./platform.mjs";

const PASSWORD = "correct horse battery staple";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let platform;
let browser;
let page;
const complaints = [];

before(async () => {
  platform = await Platform.start(PASSWORD);
  const now = Date.now();
  const events = Array.from({ length: 120 }, (_, number) => ({
    log_type: number % 3 === 0 ? "transaction" : "error",
    timestamp: new Date(now - number * 30_000).toISOString(),
    message: `needle number ${number}`,
    level: "info",
    order_id: `ORD-${number}`,
    amount: `${number}.50`,
    currency: "EUR",
    client_ip: "2a01:4f8::1",
  }));
  events.push({
    log_type: "error",
    timestamp: new Date(now).toISOString(),
    message: "<img src=x onerror=\"document.title='stolen'\"><script>document.title='stolen'</script> hostile",
    user_agent: "<b>bold</b>",
    "x:1 OR level": "odd",
  });
  events.push({ log_type: "error", timestamp: new Date(now).toISOString(), pump_number: "P-7", pressure: 4.5 });
  await platform.send(events);
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("401")) complaints.push(message.text());
  });
});

after(async () => {
  await browser?.close();
  await platform?.stop();
});

test("a wrong password is refused and the right one signs in", async () => {
  await page.goto(`http://${platform.addresses.api}/`);
  await page.getByLabel("Name").fill("admin");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: /./ }).first().waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Query").waitFor();
});

test("a query shows hits, a histogram, and one event in full", async () => {
  await page.getByLabel("Query").fill("type:transaction AND shop.order.amount:>50");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  // Every third of 120 is a transaction; those from 51.50 on are 23.
  await page.getByText("23 events").waitFor();
  const bars = page.getByLabel(/events over time/);
  await bars.waitFor();
  const rows = page.locator("table.hits tbody tr");
  assert.equal(await rows.count(), 23);
  await rows.first().click();
  const event = page.getByRole("region", { name: "Event" });
  await event.getByRole("row", { name: /shop\.order\.id/ }).getByText(/ORD-\d+/).waitFor();
  await event.getByRole("row", { name: /client\.geo\.country_iso_code/ }).getByText("DE", { exact: true }).waitFor();
  await event.getByRole("button", { name: "Close" }).click();
  await event.waitFor({ state: "detached" });
});

test("a mistake in a query is named and pointed at", async () => {
  await page.getByLabel("Query").fill("type:transaction AND )amount");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.locator("[role=alert] mark").waitFor();
  assert.equal(await page.locator("[role=alert] mark").innerText(), ")");
});

test("an event of unknown fields only is not a blank row", async () => {
  await page.getByLabel("Query").fill('shop.extra.pump_number:"P-7"');
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByText("1 event").waitFor();
  assert.match(await page.locator("table.hits tbody tr").first().innerText(), /pump_number P-7.*pressure 4.5/s);
});

test("a mistake does not also say that nothing was found", async () => {
  await page.getByLabel("Query").fill("shop.order.id:none");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByText("No events match.").waitFor();
  await page.getByLabel("Query").fill("shop.order.amount:>abc");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.locator("[role=alert] mark").waitFor();
  assert.equal(await page.locator("[role=alert] mark").innerText(), ">");
  assert.equal(await page.getByText("No events match.").isVisible(), false);
  assert.equal(await page.getByText("0 events").count(), 0);
});

test("a field that no event has is named with the one that was meant", async () => {
  await page.getByLabel("Query").fill("servce.name:checkout");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByText("No such field: servce.name; did you mean service.name?").waitFor();
});

test("hostile 15: text of an event is text on the page", async () => {
  await page.getByLabel("Query").fill("hostile");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByText("1 event").waitFor();
  const row = page.locator("table.hits tbody tr").first();
  assert.match(await row.innerText(), /<img src=x onerror/);
  await row.click();
  await page.getByRole("region", { name: "Event" }).getByText("<b>bold</b>").first().waitFor();
  assert.equal(await page.locator("img[src='x']").count(), 0);
  assert.notEqual(await page.title(), "stolen");
});

test("hostile 15: a field's name is a name in the query that it is put into", async () => {
  await page.getByRole("button", { name: /^Only events with this shop\.extra\.x/ }).click();
  await page.getByText("1 event").waitFor();
  assert.match(await page.getByLabel("Query").inputValue(), /shop\.extra\.x\\:1\\ OR\\ level:"odd"/);
  assert.equal(await page.locator("table.hits tbody tr").count(), 1);
});

test("the footer names and links the source of the GeoIP data", async () => {
  const link = page.getByRole("contentinfo").getByRole("link", { name: /DB-IP/ });
  assert.match(await link.getAttribute("href"), /^https:\/\/db-ip\.com/);
});

test("the session outlives a reload and ends with the sign-out", async () => {
  await page.reload();
  await page.getByLabel("Query").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
});

test("nothing went wrong on the way", () => {
  assert.deepEqual(complaints.filter((text) => !/400|status of 4/.test(text)), []);
});
