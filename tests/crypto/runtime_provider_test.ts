import { runtimeProvider } from "../../lib/crypto/runtime_provider.ts";
import { providerSuite } from "./provider_suite.ts";

providerSuite(runtimeProvider);
