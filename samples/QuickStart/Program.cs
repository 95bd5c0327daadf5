Console.WriteLine(typeof(Hypervisor.Sdk.InstanceKind).Assembly.FullName);
