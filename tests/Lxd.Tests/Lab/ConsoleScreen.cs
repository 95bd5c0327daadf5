using System.Text;

namespace Hypervisor.Sdk.Lxd.Tests.Lab;

/// <summary>What is read of a console: whatever else it says, words are waited for, one reader at a time.</summary>
internal sealed class ConsoleScreen(ConsoleSession session)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Reads on until the words were said; what comes after them is left for the next.</summary>
    public async Task ReadToAsync(string words)
    {
        while (true)
        {
            var read = await session.Input.ReadAsync(Token);
            string text = Encoding.Latin1.GetString(read.Buffer);
            int at = text.IndexOf(words, StringComparison.Ordinal);
            if (at >= 0)
            {
                session.Input.AdvanceTo(read.Buffer.GetPosition(at + words.Length));
                return;
            }

            Assert.False(read.IsCompleted, $"It ended without '{words}': {text}");

            // No more than the words may be waited for: all that is said would be kept until they come.
            session.Input.AdvanceTo(read.Buffer.GetPosition(Math.Max(0, text.Length - words.Length)), read.Buffer.End);
        }
    }

    /// <summary>Reads on until nothing comes any more.</summary>
    public async Task ReadToEndAsync()
    {
        try
        {
            while (true)
            {
                var read = await session.Input.ReadAsync(Token);
                session.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }
        }
        catch (HypervisorException)
        {
            // Why it has ended says the session.
        }
    }

    public async Task TypeAsync(string text) => await session.Output.WriteAsync(Encoding.UTF8.GetBytes(text), Token);
}
