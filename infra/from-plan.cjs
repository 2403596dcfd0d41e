// The way from serverless.yml into TypeScript: reads the plan, bundles the functions, returns what the template takes from them.
module.exports = async ({ resolveVariable }) => {
  if (Number(process.versions.node.split(".")[0]) < 22) {
    throw new Error(
      `Understudy is packaged with Node 24 (it comes with "npm ci"); this is Node ${process.versions.node}. Use: npx serverless package`,
    );
  }
  const { fromPlan } = await import("./from-plan.ts");
  const param = (name, otherwise) => resolveVariable(`param:${name}, '${otherwise}'`);
  try {
    return await fromPlan({ planFile: await param("plan", "recovery-plan.yml"), out: await param("out", "dist") });
  } catch (error) {
    // The packager prints the stack; of a wrong plan only its lines are worth reading.
    if (error.hint) error.stack = `\n${error.message}\n${error.hint}`;
    throw error;
  }
};
