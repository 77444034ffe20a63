using System.Runtime.InteropServices;

namespace PageFold.Cli.Tests;

/// <summary>The command compiled ahead of time to one native program, without warnings, does what the managed one does.</summary>
public class AotTests
{
    [Fact]
    public void Publishes_without_a_warning_and_measures()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Compiling ahead of time is tested on Linux, with gcc or clang.");
        string output = Directory.CreateTempSubdirectory("pagefold-aot-").FullName;
        try
        {
            string compiler = File.Exists("/usr/bin/clang") ? "clang" : "gcc";
            // Into folders of its own, so that the managed build beside it stays as it is.
            Command publish = Command.RunProcess("dotnet",
            [
                "publish", Path.Combine(Command.Root, "src", "PageFold.Cli"), "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "-o", Path.Combine(output, "bin"),
                $"-p:CppCompilerAndLinker={compiler}", "--artifacts-path", Path.Combine(output, "artifacts"), "--nologo",
                // They have run when these tests were built; the warnings looked for here are those of compiling ahead of time.
                "-p:RunAnalyzers=false",
            ]);
            Assert.True(publish.ExitCode == 0, publish.Output + publish.Error);
            Assert.DoesNotContain("warning", publish.Output, StringComparison.OrdinalIgnoreCase);
            using DataFolder data = new();
            Command run = Command.RunProcess(Path.Combine(output, "bin", "PageFold.Cli"), ["measure", data.Path, "--json", "-", "--codec", "zstd"]);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.True(run.Json.GetProperty("verified").GetBoolean());
            Assert.Contains("verified", Command.RunProcess(Path.Combine(output, "bin", "PageFold.Cli"), ["measure", data.Path]).Output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }
}
