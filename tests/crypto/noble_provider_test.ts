import { nobleProvider } from "../../lib/crypto/noble_provider.ts";
import { providerSuite } from "./provider_suite.ts";

providerSuite(nobleProvider);
