global using Checkout = Hypervisor.Sdk.Testing.Repository;
