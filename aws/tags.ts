/** Tags as AWS lists them, and as a plain record. */
interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

export const tagsOf = (list: readonly Tag[] = []): Record<string, string> =>
  Object.fromEntries(list.map(({ Key, Value }) => [Key ?? "", Value ?? ""]));

export const tagList = (tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
