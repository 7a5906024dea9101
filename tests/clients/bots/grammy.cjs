// The bot of tests/clients in grammY.
const { Bot, InlineKeyboard, InputFile, InputMediaBuilder } = require("grammy");

const { TOKEN, API_ROOT, DOT } = process.env;
const bot = new Bot(TOKEN, { client: { apiRoot: API_ROOT } });
const dot = () => new InputFile(Buffer.from(DOT, "base64"), "dot.png");

bot.command("start", (ctx) => ctx.reply("Hello <b>you</b>", {
  parse_mode: "HTML", reply_markup: new InlineKeyboard().text("Press", "go"), reply_parameters: { message_id: ctx.msg.message_id },
}));
bot.command("file", (ctx) => ctx.replyWithDocument(new InputFile(Buffer.from("bytes"), "лис 1.bin")));
bot.command("album", (ctx) => ctx.replyWithMediaGroup([InputMediaBuilder.photo(dot(), { caption: "two" }), InputMediaBuilder.photo(dot())]));
bot.callbackQuery("go", async (ctx) => {
  await ctx.answerCallbackQuery("Done");
  await ctx.editMessageText("Pressed");
});
bot.on("message:photo", async (ctx) => {
  const file = await ctx.getFile();
  const answer = await fetch(`${API_ROOT}/file/bot${TOKEN}/${file.file_path}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  await ctx.replyWithPhoto(new InputFile(bytes, "back.jpg"), { caption: `*${bytes.length}* bytes`, parse_mode: "MarkdownV2" });
});
bot.start();
