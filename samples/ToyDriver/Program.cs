// A driver whose machines are child processes, checked by the conformance kit.
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Samples.ToyDriver;

await using var target = new ToyTarget();
await using var runner = new CheckRunner(target);
var report = await runner.RunAsync(result => Console.WriteLine($"{result.Id} {result.Outcome} {result.Message}"));
return report.IsConformant ? 0 : 1;
