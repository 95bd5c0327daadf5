using Hypervisor.Sdk.Repository.Tests.Surface;

namespace Hypervisor.Sdk.Repository.Tests;

/// <summary>What each package offers is an approved text beside its project: a change of it is seen in review, with <c>HVSDK_APPROVE=1 ./test Repository</c>.</summary>
public sealed class PublicSurfaceTests
{
    public static TheoryData<string> Projects => ShippedProject.Names;

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_public_surface_is_the_approved_one(string project)
    {
        var shipped = ShippedProject.Of(project);
        ApprovedFile.VerifyAt(PublicSurface.Print(shipped.Assembly), Path.Combine(shipped.Folder, "PublicApi.approved.txt"));
    }

    [Fact]
    public void The_printer_says_what_a_caller_can_depend_on() =>
        ApprovedFile.Verify(PublicSurface.Print("samples", typeof(SurfaceSamples).GetNestedTypes()), "Surface/SurfaceSamples.approved.txt");
}
