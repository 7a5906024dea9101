// The bot of tests/clients in Telegraf.
const { Markup, Telegraf } = require("telegraf");

const { TOKEN, API_ROOT, DOT } = process.env;
const bot = new Telegraf(TOKEN, { telegram: { apiRoot: API_ROOT } });
const dot = () => ({ source: Buffer.from(DOT, "base64"), filename: "dot.png" });

bot.start((ctx) => ctx.replyWithHTML("Hello <b>you</b>", {
  ...Markup.inlineKeyboard([Markup.button.callback("Press", "go")]), reply_parameters: { message_id: ctx.message.message_id },
}));
bot.command("file", (ctx) => ctx.replyWithDocument({ source: Buffer.from("bytes"), filename: "лис 1.bin" }));
bot.command("album", (ctx) => ctx.replyWithMediaGroup([{ type: "photo", media: dot(), caption: "two" }, { type: "photo", media: dot() }]));
bot.action("go", async (ctx) => {
  await ctx.answerCbQuery("Done");
  await ctx.editMessageText("Pressed");
});
bot.on("photo", async (ctx) => {
  const link = await ctx.telegram.getFileLink(ctx.message.photo.at(-1).file_id);
  const bytes = Buffer.from(await (await fetch(link)).arrayBuffer());
  await ctx.replyWithPhoto({ source: bytes, filename: "back.jpg" }, { caption: `*${bytes.length}* bytes`, parse_mode: "MarkdownV2" });
});
bot.launch();
