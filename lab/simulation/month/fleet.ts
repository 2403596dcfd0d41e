/** RDS's instances without servers: snapshots hold nothing, and take the time that is drawn for each. */
import { Fleet } from "../../cloud/rds/fleet.ts";
import type { World } from "../../cloud/world.ts";
import type { Chance } from "../chance.ts";

export class HollowFleet extends Fleet {
  private readonly chance: Chance;

  constructor(world: World, chance: Chance) {
    super(world);
    this.chance = chance;
  }

  override async keepBackup(): Promise<void> {}

  override async copyBackup(_from: unknown, _to: unknown, mustStand: () => void): Promise<void> {
    mustStand();
  }

  override async dropBackup(): Promise<void> {}

  /** One in twenty takes ten times as long. */
  override pause(ms: number): Promise<void> {
    return super.pause(ms * (0.3 + this.chance.next() * 1.4) * (this.chance.happens(0.05) ? 10 : 1));
  }
}
