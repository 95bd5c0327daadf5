using System.Globalization;

namespace Hypervisor.Sdk.Abstractions.Tests;

public sealed class SecretTests
{
    [Fact]
    public void A_secret_is_never_printed()
    {
        var secret = Secret.FromText("hunter2");
        Assert.Equal("[secret]", secret.ToString());
        Assert.Equal("[secret]", string.Create(CultureInfo.InvariantCulture, $"{secret}"));
        Assert.Equal("hunter2", secret.RevealText());
    }

    [Fact]
    public void Secrets_are_compared_by_value_and_hash_by_length_only()
    {
        Assert.Equal(Secret.FromText("a"), Secret.FromText("a"));
        Assert.NotEqual(Secret.FromText("a"), Secret.FromText("b"));
        Assert.Equal(Secret.FromText("a").GetHashCode(), Secret.FromText("b").GetHashCode());
    }

    [Fact]
    public void A_setting_is_a_text_or_a_secret_and_only_the_text_is_printed()
    {
        SecretOrText text = "plain";
        SecretOrText secret = new SecretReference("db/password");
        Assert.True(text.TryGetText(out string? plain));
        Assert.Equal("plain", plain);
        Assert.False(text.TryGetSecret(out _));
        Assert.True(secret.TryGetSecret(out var reference));
        Assert.Equal("db/password", reference.Name);
        Assert.False(secret.TryGetText(out _));
        Assert.Equal(("plain", "[secret]", ""), (text.ToString(), secret.ToString(), default(SecretOrText).ToString()));
        Assert.True(default(SecretOrText).TryGetText(out _));
    }
}
