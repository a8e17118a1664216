// An application with Prisma that passes its context by SQL comments.
const { PrismaPg, setBemiContext, withBemiExtension } = require("@bemi-db/prisma");
const { PrismaClient } = require("./node_modules/generated");

async function main() {
  const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL });
  const prisma = withBemiExtension(new PrismaClient({ adapter }));
  setBemiContext({ user_id: 42, note: "it's 100 %" });
  await prisma.item.create({ data: { id: 1, name: "a" } });
  await prisma.item.update({ where: { id: 1 }, data: { name: "b" } });
  await prisma.$transaction([
    prisma.item.createMany({ data: [{ id: 2, name: "c" }, { id: 3, name: "d" }] }),
    prisma.item.delete({ where: { id: 1 } }),
  ]);
  await prisma.$disconnect();
}

main();
