namespace Hypervisor.Sdk.Repository.Tests;

/// <summary>References point downwards only.</summary>
public sealed class ArrowTests
{
    public static TheoryData<string> Projects => ShippedProject.Names;

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_files_reference_only_what_lies_beneath(string project) =>
        Assert.Empty(Arrows.Violations(project, ShippedProject.Of(project).ProjectReferences()));

    [Theory]
    [MemberData(nameof(Projects))]
    public void Assemblies_reference_only_what_lies_beneath(string project) =>
        Assert.Empty(Arrows.Violations(project, ShippedProject.Of(project).Assembly.GetReferencedAssemblies().Select(name => name.Name!)));

    [Theory]
    [InlineData("Hypervisor.Sdk.Abstractions", "Hypervisor.Sdk")]
    [InlineData("Hypervisor.Sdk.Transport", "Hypervisor.Sdk.Abstractions")]
    [InlineData("Hypervisor.Sdk", "Hypervisor.Sdk.Qemu")]
    [InlineData("Hypervisor.Sdk.AspNetCore", "Hypervisor.Sdk.Qemu")]
    [InlineData("Hypervisor.Sdk.Qemu", "Hypervisor.Sdk.Storage.Directory")]
    [InlineData("Hypervisor.Sdk.Qemu", "Hypervisor.Sdk.Testing")]
    [InlineData("Hypervisor.Sdk.Qemu", "ReferenceHost")]
    [InlineData("Hypervisor.Sdk", "Microsoft.Extensions.Hosting")]
    [InlineData("Hypervisor.Sdk", "Newtonsoft.Json")]
    [InlineData("Hypervisor.Sdk.Jobs", "Microsoft.Data.Sqlite")]
    [InlineData("Hypervisor.Sdk.Jobs", "Npgsql")]
    [InlineData("Hypervisor.Sdk.Jobs.PostgreSql", "Hypervisor.Sdk.Jobs.Sqlite")]
    [InlineData("Hypervisor.Sdk.Jobs", "Hypervisor.Sdk.Qemu")]
    [InlineData("Hypervisor.Sdk.CloudInit", "Hypervisor.Sdk.DiskImages")]
    [InlineData("Hypervisor.Sdk.Qemu", "Hypervisor.Sdk.CloudInit")]
    [InlineData("Hypervisor.Sdk.Remote", "Hypervisor.Sdk.Hosts")]
    [InlineData("Hypervisor.Sdk.Remote", "Hypervisor.Sdk.Qemu")]
    public void The_rule_refuses_an_arrow_that_points_up_or_sideways(string from, string to) =>
        Assert.Single(Arrows.Violations(from, [to]), violation => violation.StartsWith($"{from} references {to};", StringComparison.Ordinal));

    [Theory]
    [InlineData("Hypervisor.Sdk", "Microsoft.Extensions.Logging.Abstractions")]
    [InlineData("Hypervisor.Sdk.Qemu", "Hypervisor.Sdk.Transport")]
    [InlineData("Hypervisor.Sdk.AspNetCore", "Microsoft.AspNetCore.Http.Abstractions")]
    public void The_rule_lets_an_arrow_that_points_down(string from, string to) => Assert.Empty(Arrows.Violations(from, [to]));
}
