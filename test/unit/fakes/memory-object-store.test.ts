import { describeObjectStoreContract } from "../../contract/object-store.ts";
import { createMemoryObjectStore } from "../../fakes/memory-object-store.ts";

describeObjectStoreContract("the fake in memory", async () => createMemoryObjectStore());
