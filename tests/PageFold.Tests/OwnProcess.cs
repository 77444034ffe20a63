using System.Diagnostics;
using System.Runtime.CompilerServices;
using PageFold.Tests.Compression.Fold;
using PageFold.Tests.Store;

namespace PageFold.Tests;

/// <summary>This assembly started as a process that runs one method, and no test.</summary>
/// <remarks>The method runs before the test framework does, which takes longer to start than the method needs.</remarks>
internal static class OwnProcess
{
    private const string Variable = "PAGEFOLD_OWN_PROCESS";

    private static readonly (string Name, Action Run)[] Methods =
    [
        (nameof(FoldProcessesTests), FoldProcessesTests.Report),
        (nameof(SnapshotConcurrencyTests), SnapshotConcurrencyTests.SaveUntilKilled),
    ];

    /// <summary>How the process of a test class is started, with its output redirected.</summary>
    public static ProcessStartInfo Of(string name)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        // The process is this program itself, or a host that runs its assembly.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(typeof(OwnProcess).Assembly.Location);
        }
        start.Environment[Variable] = name;
        return start;
    }

    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } name)
            return;
        Methods.Single(method => method.Name == name).Run();
        Environment.Exit(0);
    }
}
