using BenchmarkDotNet.Running;
using Hypervisor.Sdk.Benchmarks.Qmp;
using Hypervisor.Sdk.Benchmarks.Simulation;
using Hypervisor.Sdk.Benchmarks.Transport;

switch (args)
{
    case [EchoPeer.Command, var path]:
        EchoPeer.Run(path);
        return 0;
    case [TransportReport.SectionCommand]:
        return await TransportReport.RunSectionAsync();
    case [TransportReport.Command, var file]:
        return await TransportReport.RunAsync(file);
    case [EventBenchmark.Command, .. var rest]:
        return await EventBenchmark.RunAsync(rest);
    case [StatusBenchmark.Command, .. var rest]:
        return await StatusBenchmark.RunAsync(rest);
    case [StatusBenchmark.RowCommand, .. var rest]:
        return await StatusBenchmark.RunRowAsync(rest);
    case [ScaleReport.Command, .. var rest]:
        return await ScaleReport.RunAsync(rest);
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
        return 0;
}
