/** The few CloudFormation forms the resources are written in. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type Resources = Record<
  string,
  { Type: string; Properties?: Record<string, Json>; DependsOn?: string[]; DeletionPolicy?: string; UpdateReplacePolicy?: string }
>;

export const sub = (text: string): Json => ({ "Fn::Sub": text });
export const ref = (logicalId: string): Json => ({ Ref: logicalId });
export const arnOf = (logicalId: string): Json => ({ "Fn::GetAtt": [logicalId, "Arn"] });

/** "corner-shop" → "CornerShop": logical ids are letters and digits. */
export const logical = (name: string): string =>
  name
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
