global using Hypervisor.Sdk.Simulation;
