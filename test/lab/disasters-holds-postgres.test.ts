import { holds } from "./disasters-holds.ts";

await holds("postgres");
