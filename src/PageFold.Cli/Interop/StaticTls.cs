using System.Runtime.Versioning;
using System.Text;

namespace PageFold.Cli.Interop;

/// <summary>Room for libraries that keep thread-local data at fixed places, as allocators do for speed.</summary>
/// <remarks>
/// The C library reserves the room when a process starts. It is too small for jemalloc, and only the environment at the start can ask for
/// more.
/// </remarks>
[SupportedOSPlatform("linux")]
internal static class StaticTls
{
    private const string Variable = "GLIBC_TUNABLES";
    private const string Tunable = "glibc.rtld.optional_static_tls";

    /// <summary>False once the environment says how much room there is.</summary>
    public static bool CanGrow => Environment.GetEnvironmentVariable(Variable)?.Contains(Tunable, StringComparison.Ordinal) != true;

    /// <summary>Restarts this command in this process with more room; returns, with nothing changed, only on failure.</summary>
    public static void Restart()
    {
        if (Environment.ProcessPath is not { } program)
            return;
        // The original bytes, because a name among the arguments need not be text.
        byte[] arguments = File.ReadAllBytes("/proc/self/cmdline");
        const string Wanted = $"{Tunable}=16384";
        string tunables = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } others ? $"{others}:{Wanted}" : Wanted;
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
