global using Hypervisor.Sdk;
global using Hypervisor.Sdk.Simulation;
