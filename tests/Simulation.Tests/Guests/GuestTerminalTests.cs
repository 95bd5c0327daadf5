using System.Text;
using Hypervisor.Sdk.Simulation.Guests;

namespace Hypervisor.Sdk.Simulation.Tests.Guests;

public sealed class GuestTerminalTests
{
    private readonly TestGuest _guest = new();
    private readonly MemoryStream _printed = new();
    private readonly GuestTerminal _terminal;

    public GuestTerminalTests()
    {
        _terminal = new GuestTerminal(_guest, bytes => _printed.Write(bytes.Span));
        _terminal.Start();
    }

    private string Screen => Encoding.UTF8.GetString(_printed.ToArray());

    [Fact]
    public void What_is_typed_is_echoed_and_answered_with_a_prompt_after_it()
    {
        Type("echo $((6*7))\r");
        Assert.Equal("root@web1:~# echo $((6*7))\r\n42\r\nroot@web1:~# ", Screen);
    }

    [Fact]
    public void A_line_is_edited_before_it_is_run()
    {
        Type("ecco\x7f\x7fhox\b é\x7f! a\r");
        Assert.Contains("\r\n! a\r\n", Screen, StringComparison.Ordinal);
        Type("rm -r /\x15" + "echo gone\n");
        Assert.Contains("\r\ngone\r\n", Screen, StringComparison.Ordinal);
        Assert.NotNull(_guest.Files.Find("/etc"));
    }

    [Fact]
    public void A_directory_and_variables_stay_from_line_to_line()
    {
        Type("cd /etc; x=5\rpwd\recho $x\r");
        Assert.Contains("root@web1:/etc# pwd\r\n/etc\r\n", Screen, StringComparison.Ordinal);
        Assert.Contains("\r\n5\r\n", Screen, StringComparison.Ordinal);
    }

    [Fact]
    public void A_script_goes_on_over_lines_until_it_has_its_end()
    {
        Type("for i in 1 2\rdo echo n$i\rdone\r");
        Assert.Contains("> do echo n$i\r\n> done\r\nn1\r\nn2\r\nroot@web1:~# ", Screen, StringComparison.Ordinal);
    }

    [Fact]
    public void A_running_program_reads_what_is_typed_until_the_end_of_input()
    {
        Type("cat > /tmp/f\rone\rtwo\r");
        Type("\x04");
        Type("cat /tmp/f\r");
        Assert.EndsWith("cat /tmp/f\r\none\r\ntwo\r\nroot@web1:~# ", Screen, StringComparison.Ordinal);
    }

    [Fact]
    public void Control_C_ends_what_runs_and_what_is_typed_meanwhile_waits_its_turn()
    {
        _guest.Sleep = new TaskCompletionSource();
        Type("sleep 1000; echo never\r");
        Type("echo later\r");
        Assert.DoesNotContain("later\r\nlater", Screen, StringComparison.Ordinal);
        Type("\x03");
        Type("echo now\r");
        Assert.Contains("^C", Screen, StringComparison.Ordinal);
        Assert.EndsWith("echo now\r\nnow\r\nroot@web1:~# ", Screen, StringComparison.Ordinal);
        Assert.DoesNotContain("\r\nnever", Screen, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_printed_once_the_machine_is_off()
    {
        _guest.Sleep = new TaskCompletionSource();
        Type("sleep 5; echo ghost\r");
        long length = _printed.Length;
        _terminal.Close();
        _guest.Sleep.TrySetResult();
        Type("echo ghost\r");
        Assert.Equal(length, _printed.Length);
    }

    [Fact]
    public void A_flood_of_input_is_bounded()
    {
        _guest.Sleep = new TaskCompletionSource();
        Type("sleep 5\r");
        for (int i = 0; i < 100; i++)
            _terminal.Type(new byte[10_000]);
        _guest.Sleep.TrySetResult();
        Type("\recho alive\r");
        Assert.Contains("alive\r\n", Screen, StringComparison.Ordinal);
    }

    private void Type(string text) => _terminal.Type(Encoding.UTF8.GetBytes(text));
}
