using BenchmarkDotNet.Running;
using Hypervisor.Sdk.Benchmarks.Density;
using Hypervisor.Sdk.Benchmarks.Disks;
using Hypervisor.Sdk.Benchmarks.Http;
using Hypervisor.Sdk.Benchmarks.Jobs;
using Hypervisor.Sdk.Benchmarks.Libvirt;
using Hypervisor.Sdk.Benchmarks.Migration;
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
    case [LibvirtReport.Command, .. var rest]:
        return await LibvirtReport.RunAsync(rest);
    case [LibvirtRow.Command, .. var rest]:
        return await LibvirtRow.RunAsync(rest);
    case [MigrationReport.Command, .. var rest] when OperatingSystem.IsLinux():
        return await MigrationReport.RunAsync(rest);
    case [DisksReport.Command, .. var rest] when OperatingSystem.IsLinux():
        return await DisksReport.RunAsync(rest);
    case [DensityReport.Command, .. var rest] when OperatingSystem.IsLinux():
        return await DensityReport.RunAsync(rest);
    case [ScaleReport.Command, .. var rest]:
        return await ScaleReport.RunAsync(rest);
    case [HttpStub.Command, var path]:
        return HttpStub.Run(path);
    case [HttpRows.Command, var row, var concurrency, var path]:
        return await HttpRows.RunAsync(row, int.Parse(concurrency, System.Globalization.CultureInfo.InvariantCulture), path);
    case [HttpReport.Command, var file]:
        return await HttpReport.RunAsync(file, repeats: 5);
    case [HttpReport.Command, var file, var repeats]:
        return await HttpReport.RunAsync(file, int.Parse(repeats, System.Globalization.CultureInfo.InvariantCulture));
    case [JobsLoadReport.Command, .. var rest]:
        return await JobsLoadReport.RunAsync(rest);
    case [JobsLoadReport.RowCommand, .. var rest]:
        return await JobsLoadReport.RunRowAsync(rest);
    case [JobsReport.Command, .. var rest]:
        return await JobsReport.RunAsync(rest);
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
        return 0;
}
