import { moves } from "./disasters-moves.ts";

await moves("mariadb");
