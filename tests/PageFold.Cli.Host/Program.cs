using System.Reflection;
using System.Text;
using PageFold.Cli.Host;

// Runs command lines of pagefold one after another in one process, so that tests pay once for the start of the runtime and for compilation.
// Requests come through standard input and replies go through standard output, in the format of BinaryWriter. Each command has streams of
// its own under descriptors 1 and 2, which are passed on as they are written. The process ends at the end of its input.
MethodInfo command = Assembly.Load(new AssemblyName("PageFold.Cli")).EntryPoint!;
using BinaryReader requests = new(Descriptors.TakeAway(0, FileAccess.Read));
using BinaryWriter replies = new(Descriptors.TakeAway(1, FileAccess.Write));
Descriptors.Close(0);
while (Next() is { } folder)
{
    string[] arguments = new string[requests.ReadInt32()];
    for (int i = 0; i < arguments.Length; i++)
        arguments[i] = requests.ReadString();
    Environment.CurrentDirectory = folder;
    Task passing = Task.WhenAll(Descriptors.Attach(1, Pass), Descriptors.Attach(2, Pass));
    int exitCode;
    try
    {
        exitCode = (int)command.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [arguments], null)!;
    }
    catch (Exception e)
    {
        // What the runtime does with an exception that is not caught. Not by the console, which may hold a duplicate of the descriptor.
        Pass(2, Encoding.UTF8.GetBytes($"Unhandled exception. {e}\n"));
        exitCode = 128 + 6;
    }
    Descriptors.Close(1);
    Descriptors.Close(2);
    await passing;
    // The caller may remove its folder.
    Environment.CurrentDirectory = "/";
    Pass(0, BitConverter.GetBytes(exitCode));
}

string? Next()
{
    try
    {
        return requests.ReadString();
    }
    catch (EndOfStreamException)
    {
        return null;
    }
}

// What was written to a descriptor, or the exit code.
void Pass(int descriptor, ReadOnlySpan<byte> bytes)
{
    lock (replies)
    {
        replies.Write((byte)descriptor);
        replies.Write(bytes.Length);
        replies.Write(bytes);
        replies.Flush();
    }
}
