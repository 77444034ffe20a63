using System.Runtime.Versioning;
using System.Text;

namespace PageFold.Cli.Interop;

/// <summary>
/// Room for libraries that keep thread-local data at fixed places, as allocators do for speed. The C library sets it aside when a process starts, too little of it for jemalloc, and
/// takes a wish for more from the environment only then.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class StaticTls
{
    private const string Variable = "GLIBC_TUNABLES";
    private const string Wish = "glibc.rtld.optional_static_tls";

    /// <summary>False once the environment says how much room there is.</summary>
    public static bool CanGrow => Environment.GetEnvironmentVariable(Variable)?.Contains(Wish, StringComparison.Ordinal) != true;

    /// <summary>Starts this very command anew in this process, with more room. Returns only if that does not work; then everything is as before.</summary>
    public static void Restart()
    {
        if (Environment.ProcessPath is not { } program)
            return;
        // The bytes as they are: a name among the arguments need not be text.
        byte[] arguments = File.ReadAllBytes("/proc/self/cmdline");
        string tunables = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } others ? $"{others}:{Wish}=16384" : $"{Wish}=16384";
        byte[] inherited = File.ReadAllBytes("/proc/self/environ");
        List<byte> environment = [.. Encoding.UTF8.GetBytes($"{Variable}={tunables}\0")];
        for (int begin = 0, end; begin < inherited.Length; begin = end)
        {
            end = begin + inherited.AsSpan(begin).IndexOf((byte)0) + 1;
            if (end == begin)
                break;
            if (!inherited.AsSpan(begin, end - begin).StartsWith(Encoding.UTF8.GetBytes(Variable + "=")))
                environment.AddRange(inherited[begin..end]);
        }
        LibC.Execute(program, arguments, [.. environment]);
    }
}
