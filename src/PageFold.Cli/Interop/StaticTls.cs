using System.Collections;
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
        // Each argument ends with a zero, the last one too, and may be empty; what comes after the last is the null that the list has to end with.
        string?[] arguments = Encoding.UTF8.GetString(File.ReadAllBytes("/proc/self/cmdline")).Split('\0');
        arguments[^1] = null;
        string tunables = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } others ? $"{others}:{Wish}=16384" : $"{Wish}=16384";
        string?[] environment =
        [
            .. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Where(entry => (string)entry.Key != Variable).Select(entry => $"{entry.Key}={entry.Value}"),
            $"{Variable}={tunables}",
            null,
        ];
        _ = LibC.execve(program, arguments, environment);
    }
}
