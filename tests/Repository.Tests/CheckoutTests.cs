namespace Hypervisor.Sdk.Repository.Tests;

public sealed class CheckoutTests
{
    [Fact]
    public void Tests_find_the_checkout_that_they_were_built_from() => Assert.True(File.Exists(Checkout.PathOf("Hypervisor.Sdk.sln")));
}
